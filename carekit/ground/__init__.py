"""What everything stands on: errors, time, ids, durations and business hours. Knows nothing of customer care."""
