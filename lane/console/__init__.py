"""The customs officer's console: reads the journal's views, sends orders to the mailbox, touches nothing else (C8)."""
