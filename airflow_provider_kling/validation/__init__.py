"""
What is wrong with a request, as far as it can be known without asking Kling.

Every rule is a pure function from a :class:`.problem.Request` to :class:`.problem.Problem` objects;
:data:`.rules.RULES` says which rules a product has. Nothing is imported here: operators need the wording of an image's
summary when a Dag is parsed, but the rules only when a request is checked.
"""
