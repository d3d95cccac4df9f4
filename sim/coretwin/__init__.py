"""What stands around the real controller in virtual time: draw epochs, declared answers, verdicts, signals, people."""
