namespace Coach.Rag;

/// <summary>How far the reading of the registered sources has come.</summary>
/// <param name="Documents">Documents looked at so far, unchanged ones and those that could not be taken
/// included.</param>
/// <param name="Total">How many there are, as far as the sources can be listed beforehand, as folders can.</param>
/// <value><paramref name="Total"/> is null when it is not known.</value>
public readonly record struct KnowledgeReading(int Documents, int? Total)
{
    /// <summary>Writes it as <c>x of y</c>, or as <c>x so far</c>.</summary>
    /// <returns>The text, with invariant digits.</returns>
    public override string ToString() => Total is { } total
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Documents} of {total}")
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Documents} so far");
}
