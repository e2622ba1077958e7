namespace Coach.Llm.Tests;

/// <summary>Tests that let the clock find its own way run alone: it goes on when nobody works, and others' work would hold it up.</summary>
[CollectionDefinition(nameof(VirtualTime), DisableParallelization = true)]
public sealed class VirtualTime;
