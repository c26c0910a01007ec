"""The datasets: their files, the index, labelled parts, packed images, triplets."""
