"""What the pages show that is made of the package's own data: tables, charts, drawings and the gallery."""
