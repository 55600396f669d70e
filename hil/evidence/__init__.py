"""Evidence: what a run's journals become, without the bench: verdicts, JUnit, trace files, and one page to look at."""
