"""What super-resolution and the networks are judged by: metrics, cities, intervals, maps and the summary."""
