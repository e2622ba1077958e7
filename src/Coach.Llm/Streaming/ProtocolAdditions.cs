namespace Coach.Llm.Streaming;

/// <summary>
/// Counts what one answer held that this version does not know. Providers add fields, parts and events without notice
/// and call that compatible, so additions are passed over and never end an answer.
/// </summary>
internal sealed class ProtocolAdditions
{
    private int _fields;
    private int _parts;
    private int _events;
    private int _deltas;
    private int _stopReasons;

    public int Count => _fields + _parts + _events + _deltas + _stopReasons;

    /// <summary>
    /// The kinds and their counts. The names are a closed set: what a server called its additions is not repeated.
    /// </summary>
    public string Kinds
    {
        get
        {
            (string Name, int Count)[] kinds =
                [
            ("fields", _fields),
            ("parts", _parts),
            ("events", _events),
            ("deltas", _deltas),
            ("stop reasons", _stopReasons),
        ];
            return string.Join(", ", kinds.Where(kind => kind.Count > 0).Select(kind => $"{kind.Name} {kind.Count}"));
        }
    }

    public void Field() => _fields++;

    public void Part() => _parts++;

    public void Event() => _events++;

    public void Delta() => _deltas++;

    public void StopReason() => _stopReasons++;
}
