"""What a run has, beside what the paper prints."""
