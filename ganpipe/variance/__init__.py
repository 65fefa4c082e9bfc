"""Where the variance over seeds comes from: trainings in which one source of chance varies, and their page."""
