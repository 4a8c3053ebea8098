"""What people see of Kling in Airflow's own pages; stands on models and api, imports no operator."""
