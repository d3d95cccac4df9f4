"""The report of a study: words, pictures, one page that needs nothing else."""
