"""Papers whose numbers are shown beside a run's, one data folder each (`modc.papers.paper`)."""
