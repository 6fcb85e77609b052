"""The equilibrium engine: economies in arrays or by name, their solution, sensitivities and money."""
