"""What Callboard is made of: licences, known weaknesses, and a list of its parts (SBOM)."""
