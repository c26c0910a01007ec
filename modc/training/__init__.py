"""Training: the stages, their loop, the resumable checkpoint, the GPU lease."""
