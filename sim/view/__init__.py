"""A recorded run as a picture of the belt in one page: play, scrub, jump to what happened."""
