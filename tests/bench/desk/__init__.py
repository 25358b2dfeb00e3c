"""How the desk's pages fare with a million sessions on PostgreSQL, beside a thousand, and beside an admin list."""
