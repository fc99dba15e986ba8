"""AtmoDist: a learned distance for the atmosphere, and what it takes to train and judge it."""
