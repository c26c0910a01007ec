"""Drawn garments in the place of a dataset's images, for tests and a first try.

A drawn dataset has the files of the one that it stands for, so that everything after takes the
same way. Nothing else of modc imports this package: the configuration names its classes.
"""
