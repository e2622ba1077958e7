using System.Runtime.CompilerServices;
using OpenTelemetry;

namespace Coach.AspNetCore;

/// <summary>
/// Tells points apart by the array that holds their tags, without looking into it: that would cost a cache miss per series. The
/// SDK's collection of tags is a structure round that one reference; were it ever another, the first tag's value serves.
/// </summary>
internal static class TagIdentity
{
    private static readonly bool IsOneReference =
        Unsafe.SizeOf<ReadOnlyTagCollection>() == Unsafe.SizeOf<object>() && RuntimeHelpers.IsReferenceOrContainsReferences<ReadOnlyTagCollection>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static object? Of(ReadOnlyTagCollection tags) => IsOneReference ? Unsafe.As<ReadOnlyTagCollection, object?>(ref tags) : First(tags);

    private static object? First(ReadOnlyTagCollection tags)
    {
        ReadOnlyTagCollection.Enumerator first = tags.GetEnumerator();
        return first.MoveNext() ? first.Current.Value : null;
    }
}
