"""What other systems speak: customs messages, CSV, JSON Lines, postal JSON. Adapters turn them into records."""
