"""What many modules need: text that somebody else wrote, pauses that grow, Airflow's insides."""
