namespace Coach.Llm;

/// <summary>
/// The keys under which Coach tells something about an answer in its additional properties: those of a response, and
/// of the first update of a stream.
/// </summary>
public static class ChatResponseProperties
{
    /// <summary>
    /// The settings that were asked for and that the model refuses, so that the request was sent without them; names in
    /// snake case such as <c>temperature</c>, joined by commas. Absent when nothing was dropped.
    /// </summary>
    public const string DroppedParameters = "coach.dropped_parameters";

    /// <summary>
    /// What the provider has counted so far, in the first update of a stream that comes after it: one
    /// <c>UsageDetails</c> that goes on counting while the answer comes, for whoever counts streams that are stopped or
    /// cut. The whole count stands in the last update, as ever.
    /// </summary>
    public const string RunningUsage = "coach.usage.running";
}
