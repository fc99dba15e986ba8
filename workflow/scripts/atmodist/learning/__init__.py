"""Networks, losses and training runs, and the devices that they run on."""
