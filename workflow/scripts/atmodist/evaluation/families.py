"""The families of the ordering test, and how far their states are moved; docs/orderings.md defines them.

Numbers alone, for whoever needs them without PyTorch. Lengths are in units of the truncation's half
wavelength πa/T, so that a series is as hard on every grid.
"""

FAMILIES = {
    "lag": "later",
    "truncation": "fewer degrees",
    "phase": "phases turned",
    "amplitude": "amplitudes changed",
    "displacement": "moved",
    "vortex": "a vortex moved",
    "blur": "moved before blurred",
    "scramble": "moved before turned",
}
"""Each family, and what makes its states ever farther."""
EQUAL = ("blur", "scramble")
"""Families of pairs that are equally far by the mean squared error."""
LAGS = (1, 2, 4, 8, 16, 24)
"""Time steps."""
KEPT_DEGREES = (0.9, 0.8, 0.7, 0.6, 0.5)
"""Share of the truncation down to which a truncated state has its degrees."""
TURNS = (0.2, 0.3, 0.4, 0.5, 0.6)
"""Largest turn of a coefficient's phase, in π."""
FACTORS = (0.2, 0.3, 0.4, 0.5, 0.6)
"""Standard deviation of the logarithm of a coefficient's factor."""
MOVES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Half wavelengths of the truncation by which a state is moved eastwards."""
VORTEX_MOVES = (1.0, 2.0, 3.0, 4.5, 6.0)
"""The same of a vortex; it is far from its first place from the third on."""
VORTEX_RADIUS = 0.75
"""Half wavelengths of the truncation at which the vortex has fallen to exp(−1/2)."""
VORTEX_STRENGTH = 4.0
"""Vorticity at the vortex's centre, in standard deviations of vorticity."""
