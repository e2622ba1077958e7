// Child processes and loopback servers: one test at a time keeps the machine's two cores for the one that runs.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
