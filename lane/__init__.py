"""The controller of an X-ray inspection lane."""
