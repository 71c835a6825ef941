"""Where units run, each put together of what runs, routes and measures there: the only plugins that know others."""
