"""From fields to batches: normalisation, windows, shards and the order in which they are read."""
