using Coach.Payments.Idempotency;
using Coach.Testing;

namespace Coach.Payments.Tests.Idempotency;

/// <summary>What keeps a journal from being opened: another process is waited for, a full disk is not.</summary>
public sealed class JournalLockTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(28)] // ENOSPC
    [InlineData(unchecked((int)0x80070070))] // ERROR_DISK_FULL
    public void Wait_ADiskThatIsFull_IsRefusedAtOnceByThatName(int code)
    {
        int calls = 0;

        PaymentStoreException exception = Assert.Throws<PaymentStoreException>(() => JournalLock.Wait<string>(
            _folder.File("pay"),
            TimeSpan.FromMinutes(5),
            _ =>
            {
                calls++;
                throw new IOException("No space left on device", code);
            }));

        Assert.Equal((PaymentStoreError.DiskFull, 1), (exception.Error, calls));
        Assert.Contains("is full", exception.Message, StringComparison.Ordinal);
    }
}
