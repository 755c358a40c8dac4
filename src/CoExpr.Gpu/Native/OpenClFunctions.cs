using System.Runtime.InteropServices;

namespace CoExpr.Gpu;

/// <summary>The entry points of the OpenCL loader that running kernels takes; all of them are in OpenCL 1.1.</summary>
/// <exception cref="OpenClException">The loader lacks one.</exception>
sealed unsafe class OpenClFunctions(nint library)
{
    internal readonly delegate* unmanaged<nint*, uint, nint*, nint, nint, int*, nint> CreateContext =
        (delegate* unmanaged<nint*, uint, nint*, nint, nint, int*, nint>)Find(library, "clCreateContext");

    internal readonly delegate* unmanaged<nint, nint, ulong, int*, nint> CreateCommandQueue = (delegate* unmanaged<
        nint,
        nint,
        ulong,
        int*,
        nint>)Find(library, "clCreateCommandQueue");

    internal readonly delegate* unmanaged<nint, uint, byte**, nuint*, int*, nint> CreateProgramWithSource =
        (delegate* unmanaged<nint, uint, byte**, nuint*, int*, nint>)Find(library, "clCreateProgramWithSource");

    internal readonly delegate* unmanaged<nint, uint, nint*, byte*, nint, nint, int> BuildProgram =
        (delegate* unmanaged<nint, uint, nint*, byte*, nint, nint, int>)Find(library, "clBuildProgram");

    internal readonly delegate* unmanaged<nint, nint, uint, nuint, void*, nuint*, int> GetProgramBuildInfo =
        (delegate* unmanaged<nint, nint, uint, nuint, void*, nuint*, int>)Find(library, "clGetProgramBuildInfo");

    internal readonly delegate* unmanaged<nint, byte*, int*, nint> CreateKernel = (delegate* unmanaged<
        nint,
        byte*,
        int*,
        nint>)Find(library, "clCreateKernel");

    internal readonly delegate* unmanaged<nint, uint, nuint, void*, int> SetKernelArg = (delegate* unmanaged<
        nint,
        uint,
        nuint,
        void*,
        int>)Find(library, "clSetKernelArg");

    internal readonly delegate* unmanaged<nint, ulong, nuint, void*, int*, nint> CreateBuffer = (delegate* unmanaged<
        nint,
        ulong,
        nuint,
        void*,
        int*,
        nint>)Find(library, "clCreateBuffer");

    internal readonly delegate* unmanaged<
        nint,
        nint,
        uint,
        nuint*,
        nuint*,
        nuint*,
        uint,
        nint*,
        nint*,
        int> EnqueueKernel = (delegate* unmanaged<
        nint,
        nint,
        uint,
        nuint*,
        nuint*,
        nuint*,
        uint,
        nint*,
        nint*,
        int>)Find(library, "clEnqueueNDRangeKernel");

    internal readonly delegate* unmanaged<nint, nint, uint, nuint, nuint, void*, uint, nint*, nint*, int> EnqueueRead =
        (delegate* unmanaged<nint, nint, uint, nuint, nuint, void*, uint, nint*, nint*, int>)Find(
            library,
            "clEnqueueReadBuffer"
        );

    internal readonly delegate* unmanaged<nint, nint, uint, nuint, nuint, void*, uint, nint*, nint*, int> EnqueueWrite =
        (delegate* unmanaged<nint, nint, uint, nuint, nuint, void*, uint, nint*, nint*, int>)Find(
            library,
            "clEnqueueWriteBuffer"
        );

    internal readonly delegate* unmanaged<nint, int> ReleaseBuffer = Release(library, "clReleaseMemObject");
    internal readonly delegate* unmanaged<nint, int> ReleaseKernel = Release(library, "clReleaseKernel");
    internal readonly delegate* unmanaged<nint, int> ReleaseProgram = Release(library, "clReleaseProgram");
    internal readonly delegate* unmanaged<nint, int> ReleaseQueue = Release(library, "clReleaseCommandQueue");
    internal readonly delegate* unmanaged<nint, int> ReleaseContext = Release(library, "clReleaseContext");

    static nint Find(nint library, string name) =>
        NativeLibrary.TryGetExport(library, name, out var address)
            ? address
            : throw new OpenClException(name, OpenClStatus.InvalidOperation, "the OpenCL loader lacks it");

    static delegate* unmanaged<nint, int> Release(nint library, string name) =>
        (delegate* unmanaged<nint, int>)Find(library, name);
}
