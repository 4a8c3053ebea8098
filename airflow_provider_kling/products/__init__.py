"""What Kling's products take: their fields, what each model can do, and the rules of a request. Pure."""
