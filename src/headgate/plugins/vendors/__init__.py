"""Systems of others, one a file or a folder: what each measures (`signals`) and where it shows a release (`marker`)."""
