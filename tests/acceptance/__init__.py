"""The whole product through its command line: what must hold on a finished run and on broken input."""
