"""The three networks: ASEN, ASENv2, ASEN++, and what they are built from."""
