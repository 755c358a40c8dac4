using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace CoExpr.Gpu;

/// <summary>What a device can take.</summary>
/// <param name="Memory">Bytes of memory that kernels share.</param>
/// <param name="Allocation">Most bytes of one buffer.</param>
/// <param name="LocalMemory">Bytes that a work group shares.</param>
/// <param name="GroupItems">Most work items of a group.</param>
/// <param name="ExactDoubles">Whether it computes in double precision and does not flush small singles to 0.</param>
sealed record DeviceLimits(long Memory, long Allocation, int LocalMemory, int GroupItems, bool ExactDoubles);

/// <summary>A device with a queue of its own and kernels built for it. Not for several threads at once.</summary>
/// <remarks>The constructor's <c>fault</c> is a seam for tests: it is told the name of every function before its status is
/// looked at, and any status but 0 that it gives is taken for the driver's.</remarks>
sealed unsafe class OpenClSession : IDisposable
{
    readonly OpenClFunctions functions;
    readonly Func<string, int>? fault;
    readonly nint device;
    readonly List<nint> programs = [];
    readonly Dictionary<string, nint> kernels = [];
    nint context;
    nint queue;

    /// <summary>Opens a device.</summary>
    /// <exception cref="OpenClException">The driver refuses.</exception>
    internal OpenClSession(OpenClLibrary library, nint device, Func<string, int>? fault)
    {
        (functions, this.device, this.fault) = (new OpenClFunctions(library.Handle), device, fault);
        Limits = Ask(library, device);
        try
        {
            int status;
            context = functions.CreateContext(null, 1, &device, 0, 0, &status);
            Check("clCreateContext", status);
            queue = functions.CreateCommandQueue(context, device, 0, &status);
            Check("clCreateCommandQueue", status);
        }
        catch (OpenClException)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the device can take.</summary>
    internal DeviceLimits Limits { get; }

    /// <summary>Work items of a group: what suits every card, or fewer where the device takes fewer.</summary>
    internal int Group => Math.Clamp(Limits.GroupItems, 1, 64);

    // CL_FP_DENORM is bit 0 of what a device says of its arithmetic; a device without doubles says 0 of them.
    static DeviceLimits Ask(OpenClLibrary library, nint device) =>
        new(
            Bytes(library.DeviceNumber(device, OpenClLibrary.DeviceGlobalMemory)),
            Bytes(library.DeviceNumber(device, OpenClLibrary.DeviceAllocation)),
            (int)Math.Min(int.MaxValue, library.DeviceNumber(device, OpenClLibrary.DeviceLocalMemory)),
            (int)Math.Min(int.MaxValue, library.DeviceNumber(device, OpenClLibrary.DeviceGroupItems)),
            library.DeviceNumber(device, OpenClLibrary.DeviceDoubles) != 0
                && (library.DeviceNumber(device, OpenClLibrary.DeviceSingles) & 1) != 0
        );

    static long Bytes(ulong number) => (long)Math.Min(long.MaxValue, number);

    void Check(string function, int status, string detail = "")
    {
        var injected = fault?.Invoke(function) ?? 0;
        if (injected != 0 || status != 0)
            throw new OpenClException(function, injected != 0 ? injected : status, detail);
    }

    /// <summary>Builds a program and adds its kernels of these names.</summary>
    /// <exception cref="OpenClException">It does not compile; the compiler's words are in the message.</exception>
    internal void Build(string source, params ReadOnlySpan<string> names)
    {
        var text = Encoding.UTF8.GetBytes(source);
        var (length, status) = ((nuint)text.Length, 0);
        nint program;
        fixed (byte* first = text)
        {
            var line = first;
            program = functions.CreateProgramWithSource(context, 1, &line, &length, &status);
        }
        Check("clCreateProgramWithSource", status);
        programs.Add(program);
        var id = device;
        status = functions.BuildProgram(program, 1, &id, null, 0, 0);
        Check("clBuildProgram", status, status == 0 ? "" : BuildLog(program));
        foreach (var name in names)
            kernels[name] = Kernel(program, name);
    }

    string BuildLog(nint program)
    {
        const uint Log = 0x1183;
        nuint size;
        if (functions.GetProgramBuildInfo(program, device, Log, 0, null, &size) != 0 || size == 0)
            return "";
        var text = new byte[size];
        fixed (byte* first = text)
            _ = functions.GetProgramBuildInfo(program, device, Log, size, first, null);
        return Encoding.UTF8.GetString(text).TrimEnd('\0').Trim();
    }

    nint Kernel(nint program, string name)
    {
        int status;
        nint kernel;
        fixed (byte* text = Encoding.UTF8.GetBytes(name + "\0"))
            kernel = functions.CreateKernel(program, text, &status);
        Check("clCreateKernel", status, name);
        return kernel;
    }

    /// <summary>New memory on the device, of at least one byte.</summary>
    internal nint Allocate(long bytes)
    {
        if (bytes > Limits.Allocation)
            throw new OpenClException(
                "clCreateBuffer",
                OpenClStatus.AllocationFailure,
                $"{bytes:N0} bytes asked for, {Limits.Allocation:N0} can be had at once"
            );
        const ulong ReadWrite = 1;
        int status;
        var buffer = functions.CreateBuffer(context, ReadWrite, (nuint)Math.Max(1, bytes), null, &status);
        try
        {
            Check("clCreateBuffer", status);
        }
        catch (OpenClException) when (status == 0)
        {
            Free(buffer);
            throw;
        }
        return buffer;
    }

    /// <summary>Gives memory back.</summary>
    internal void Free(nint buffer) => _ = functions.ReleaseBuffer(buffer);

    /// <summary>Copies to the device; returns when the copy is made.</summary>
    internal void Write<T>(nint buffer, ReadOnlySpan<T> items)
        where T : unmanaged
    {
        if (items.IsEmpty)
            return;
        var bytes = (nuint)items.Length * (nuint)sizeof(T);
        int status;
        fixed (T* first = items)
            status = functions.EnqueueWrite(queue, buffer, 1, 0, bytes, first, 0, null, null);
        Check("clEnqueueWriteBuffer", status);
    }

    /// <summary>Copies from the device when all that was asked of it before is done.</summary>
    internal void Read<T>(nint buffer, Span<T> items)
        where T : unmanaged
    {
        if (items.IsEmpty)
            return;
        var bytes = (nuint)items.Length * (nuint)sizeof(T);
        int status;
        fixed (T* first = items)
            status = functions.EnqueueRead(queue, buffer, 1, 0, bytes, first, 0, null, null);
        Check("clEnqueueReadBuffer", status);
    }

    /// <summary>Asks for a kernel to be run; the device does what it is asked in order.</summary>
    /// <param name="name">The kernel.</param>
    /// <param name="items">Work items in each direction. Groups lie along the first and are whole, so the kernel must pass
    /// over work items too many there.</param>
    /// <param name="arguments">Its arguments in order.</param>
    internal void Run(string name, (long X, long Y) items, params ReadOnlySpan<KernelArgument> arguments)
    {
        if (items.X == 0 || items.Y == 0)
            return;
        var kernel = kernels[name];
        for (var i = 0; i < arguments.Length; i++)
            SetArgument(kernel, (uint)i, arguments[i]);
        var global = stackalloc nuint[] { RoundUp(items.X, Group), (nuint)items.Y };
        var local = stackalloc nuint[] { (nuint)Group, 1 };
        var status = functions.EnqueueKernel(queue, kernel, 2, null, global, local, 0, null, null);
        Check("clEnqueueNDRangeKernel", status, status == 0 ? "" : name);
    }

    static nuint RoundUp(long items, int group) => (nuint)((items + group - 1) / group * group);

    void SetArgument(nint kernel, uint index, KernelArgument argument)
    {
        var (buffer, number) = (argument.Buffer, argument.Number);
        var status = argument.Kind switch
        {
            KernelArgumentKind.Buffer => functions.SetKernelArg(kernel, index, (nuint)sizeof(nint), &buffer),
            KernelArgumentKind.Number => functions.SetKernelArg(kernel, index, sizeof(int), &number),
            _ => functions.SetKernelArg(kernel, index, (nuint)number, null),
        };
        Check("clSetKernelArg", status);
    }

    /// <summary>Releases the kernels, the queue and the context; buffers are their owners'.</summary>
    public void Dispose()
    {
        foreach (var kernel in kernels.Values)
            _ = functions.ReleaseKernel(kernel);
        kernels.Clear();
        foreach (var program in programs)
            _ = functions.ReleaseProgram(program);
        programs.Clear();
        if (queue != 0)
            _ = functions.ReleaseQueue(queue);
        if (context != 0)
            _ = functions.ReleaseContext(context);
        (queue, context) = (0, 0);
    }
}
