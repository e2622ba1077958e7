using Coach.Rag.Segments;

namespace Coach.Rag;

/// <summary>A condition on a document's metadata, checked before anything is scored.</summary>
/// <remarks>
/// Beside the document's own keys, <see cref="SourceKey"/> and <see cref="IdKey"/> can be asked for. A key that a
/// document lacks matches no value. Comparison is ordinal.
/// </remarks>
public abstract class MetadataFilter
{
    /// <summary>The key under which a document's source can be filtered.</summary>
    public const string SourceKey = "@source";

    /// <summary>The key under which a document's id can be filtered.</summary>
    public const string IdKey = "@id";

    /// <summary>The key under which the id of the archive that a document lies in can be filtered.</summary>
    public const string ArchiveKey = "@archive";

    /// <summary>Of an archive: how many documents it has.</summary>
    internal const string FilesKey = "@files";

    private protected MetadataFilter()
    {
    }

    /// <summary>The key has this value.</summary>
    /// <param name="key">The metadata key.</param>
    /// <param name="value">The value.</param>
    /// <returns>The condition.</returns>
    public static MetadataFilter Equal(string key, string value) => AnyOf(key, value);

    /// <summary>The key has one of these values.</summary>
    /// <param name="key">The metadata key.</param>
    /// <param name="values">The values; none matches nothing.</param>
    /// <returns>The condition.</returns>
    public static MetadataFilter AnyOf(string key, params IReadOnlyCollection<string> values)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(values);
        return new ValueFilter(key, values.ToHashSet(StringComparer.Ordinal));
    }

    /// <summary>The key's value starts like this: a folder, for example.</summary>
    /// <param name="key">The metadata key.</param>
    /// <param name="prefix">The start of the value.</param>
    /// <returns>The condition.</returns>
    public static MetadataFilter StartsWith(string key, string prefix)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(prefix);
        return new PrefixFilter(key, prefix);
    }

    /// <summary>All of the conditions hold.</summary>
    /// <param name="filters">The conditions; none matches everything.</param>
    /// <returns>The condition.</returns>
    public static MetadataFilter All(params IReadOnlyCollection<MetadataFilter> filters)
    {
        ArgumentNullException.ThrowIfNull(filters);
        return new AllFilter([.. filters]);
    }

    /// <summary>At least one of the conditions holds.</summary>
    /// <param name="filters">The conditions; none matches nothing.</param>
    /// <returns>The condition.</returns>
    public static MetadataFilter Any(params IReadOnlyCollection<MetadataFilter> filters)
    {
        ArgumentNullException.ThrowIfNull(filters);
        return new AnyFilter([.. filters]);
    }

    /// <summary>The condition does not hold.</summary>
    /// <param name="filter">The condition.</param>
    /// <returns>Its opposite.</returns>
    public static MetadataFilter Not(MetadataFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return new NotFilter(filter);
    }

    internal abstract bool Matches(DocumentEntry document);

    private static string? ValueOf(DocumentEntry document, string key) => key switch
    {
        SourceKey => document.Source,
        IdKey => document.Id,
        _ => document.Metadata.GetValueOrDefault(key),
    };

    private sealed class ValueFilter(string key, HashSet<string> values) : MetadataFilter
    {
        internal override bool Matches(DocumentEntry document) =>
            ValueOf(document, key) is { } value && values.Contains(value);
    }

    private sealed class PrefixFilter(string key, string prefix) : MetadataFilter
    {
        internal override bool Matches(DocumentEntry document) =>
            ValueOf(document, key) is { } value && value.StartsWith(prefix, StringComparison.Ordinal);
    }

    private sealed class AllFilter(MetadataFilter[] filters) : MetadataFilter
    {
        internal override bool Matches(DocumentEntry document) => Array.TrueForAll(filters, f => f.Matches(document));
    }

    private sealed class AnyFilter(MetadataFilter[] filters) : MetadataFilter
    {
        internal override bool Matches(DocumentEntry document) => Array.Exists(filters, f => f.Matches(document));
    }

    private sealed class NotFilter(MetadataFilter filter) : MetadataFilter
    {
        internal override bool Matches(DocumentEntry document) => !filter.Matches(document);
    }
}
