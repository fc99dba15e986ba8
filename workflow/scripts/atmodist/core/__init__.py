"""What every room uses: errors, files, jobs, periods of days and random seeds."""
