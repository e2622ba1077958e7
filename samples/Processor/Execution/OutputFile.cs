namespace Processor.Execution;

/// <summary>An output that was written.</summary>
/// <param name="Path">Where, as clients name it.</param>
/// <param name="Cid"><c>sha256:</c> and the hash of the content.</param>
/// <param name="SizeBytes">Its length.</param>
/// <param name="Mime">Its media type.</param>
internal sealed record OutputFile(string Path, string Cid, long SizeBytes, string Mime);
