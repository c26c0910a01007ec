"""The datasets: their files, the index, labeled parts, packed images, triplets."""
