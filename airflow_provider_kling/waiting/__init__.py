"""What runs on the triggerer's event loop and is no trigger: a poller for many tasks, a queue for slots, threads."""
