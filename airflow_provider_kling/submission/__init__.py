"""How one video is paid once: the protocol of a submission, and the ids that it goes by. Pure."""
