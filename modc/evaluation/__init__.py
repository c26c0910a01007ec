"""From embeddings to scores: who is ranked where, and what that is worth."""
