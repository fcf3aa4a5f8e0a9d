"""What stops a lease at a site: the conditions under which candidates are made, asked one by one."""
