"""How fast KYC Desk takes deliveries on PostgreSQL, beside what else the same machine can do in turn."""
