"""Papers whose numbers stand beside a run's: each is a folder of data (`modc.papers.paper`)."""
