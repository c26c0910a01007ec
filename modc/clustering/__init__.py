"""Cluster centers of each attribute's values, and the labels that they give."""
