/** Reflection: generic gRPC tools get the methods and messages of a server from the server itself. */
import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { ReflectionService } from '@grpc/reflection';
import { methodDefinition, type ServiceRegistration } from '../transport/methods.ts';

type Reflected = ConstructorParameters<typeof ReflectionService>[0];

export function createReflection(services: readonly ServiceRegistration[]): ReflectionService {
  return new ReflectionService(reflected(services));
}

/** The generated descriptors in the form that the reflection package reads. */
function reflected(services: readonly ServiceRegistration[]): Reflected {
  const files = new Map<string, DescFile>();
  const collect = (file: DescFile) => {
    if (files.has(file.name)) return;
    file.dependencies.forEach(collect);
    files.set(file.name, file);
  };
  for (const { service } of services) collect(service.file);
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  const pkg: Record<string, unknown> = {};
  for (const { service } of services) {
    pkg[service.typeName] = Object.fromEntries(
      service.methods.map((method) => [method.name, methodDefinition(service, method)]),
    );
  }
  for (const file of files.values()) {
    for (const message of file.messages) {
      pkg[message.typeName] = {
        format: 'Protocol Buffer 3 DescriptorProto',
        type: message.proto,
        fileDescriptorProtos,
      };
    }
  }
  return pkg as Reflected;
}
