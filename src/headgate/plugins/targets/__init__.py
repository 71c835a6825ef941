"""Where versions run: processes on this host (`local`), and a twin in memory."""
