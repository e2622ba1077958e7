using System.Globalization;

namespace Coach.Rag.Documents.Containers;

/// <summary>How much the parts of one document have unpacked to, all together.</summary>
internal sealed class ExpansionBudget(long most)
{
    private long _spent;

    public long Left => most - Interlocked.Read(ref _spent);

    public void Spend(int bytes)
    {
        if (Interlocked.Add(ref _spent, bytes) > most)
        {
            throw RagException.DocumentRefused(DocumentRefusal.TooLarge, string.Create(
                CultureInfo.InvariantCulture,
                    $"unpacks to more than MaxExpandedBytes = {most}; split it or raise the limit"));
        }
    }
}

/// <summary>Counts what is read against a budget: what a header promises is not believed.</summary>
internal sealed class LimitedStream(Stream inner, ExpansionBudget budget) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        budget.Spend(read);
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
