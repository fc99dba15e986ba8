"""Where fields come from and how they lie on disk: archives, GRIB, spherical harmonics, the grid."""
